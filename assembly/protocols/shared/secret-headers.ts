/** Header fields whose values are not shown: what lets a client in, says who it is, or repeats what it sent. */
import { sameText } from "../../bytes/ascii";

/** Whether the name of `length` bytes at `start` is that of one. */
export function isSecretName(start: usize, length: u32): bool {
  switch (length) {
    case 6:
      return sameText(start, length, "cookie");
    case 9:
      return sameText(start, length, "x-api-key");
    case 10:
      return sameText(start, length, "set-cookie");
    case 12:
      return sameText(start, length, "x-auth-token") || sameText(start, length, "x-csrf-token");
    case 13:
      return sameText(start, length, "authorization");
    case 19:
      return sameText(start, length, "proxy-authorization") || sameText(start, length, "authentication-info");
    case 20:
      return sameText(start, length, "x-amz-security-token");
    case 23:
      // What an error of gRPC says, and more of it.
      return sameText(start, length, "grpc-status-details-bin");
    case 25:
      return sameText(start, length, "proxy-authentication-info");
    default:
      return false;
  }
}

/** Whether its value is a reference to a resource, whose query is shown no more than that of a request. */
export function isReferenceName(start: usize, length: u32): bool {
  switch (length) {
    case 7:
      return sameText(start, length, "referer");
    case 8:
      return sameText(start, length, "location");
    case 16:
      return sameText(start, length, "content-location");
    default:
      return false;
  }
}
