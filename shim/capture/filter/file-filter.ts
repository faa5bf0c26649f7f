import { compileFilter, LINK_RAW, NO_PACKET, Refusal, refuseNoFilter } from "./compile";

/** Numbers that IP without a link has in files of some systems. */
const RAW_NUMBERS = [12, 14];

/** Which packets of files are taken: what a core asks for programs. */
export class FileFilter {
  private readonly refusals = new Map<number, string>();

  /** Throws Failure where it is no filter. */
  constructor(readonly text: string) {
    refuseNoFilter(text, "file");
  }

  /** The program for packets of a link type, if there can be one. */
  readonly programOf = (linkType: number): Uint8Array | undefined => {
    const program = compileFilter(this.text, RAW_NUMBERS.includes(linkType) ? LINK_RAW : linkType, "file");
    if (!(program instanceof Refusal)) return program;
    if (program.isOfAll) return NO_PACKET;
    this.refusals.set(linkType, program.reason);
    return undefined;
  };

  /** What is said of a file with packets of a link type that there is no program for. */
  failureOf(name: string, linkType: number): string {
    const reason = this.refusals.get(linkType) ?? "it came without a header";
    return `${name}: -f cannot be put to packets of link type ${linkType}, which were left out: ${reason}`;
  }
}

/** The filter of a command that reads files, where one is given. Throws Failure where it is none. */
export function fileFilter(text: string | undefined): FileFilter | undefined {
  return text === undefined ? undefined : new FileFilter(text);
}
