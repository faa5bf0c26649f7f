declare namespace Cloudflare {
  interface Env {
    HUB: DurableObjectNamespace<import("../../../worker/index").Hub>;
    MASTER_KEY: string;
    BACKUPS: R2Bucket;
  }
  interface GlobalProps {
    mainModule: typeof import("../../../worker/index");
  }
}
