declare namespace Cloudflare {
  interface Env {
    HUB: DurableObjectNamespace<import("../../../worker/index").Hub>;
    MASTER_KEY: string;
  }
  interface GlobalProps {
    mainModule: typeof import("../../../worker/index");
  }
}
