import type { Hub } from "./object/hub";

/** What the Worker is given by its configuration. */
export interface Environment {
  HUB: DurableObjectNamespace<Hub>;
  /** Keys are derived from it: `wrangler secret put MASTER_KEY`. */
  MASTER_KEY?: string;
  /** The master before it, whose keys stay good while a rotation is under way. */
  MASTER_KEY_PREVIOUS?: string;
  /** Seconds between two seals, 60 unless set; tests seal more often. */
  SEAL_PERIOD_SECONDS?: string;
  /** How long minutes, hours and days are kept, as `48h` or `30d`: see retention.ts. */
  KEEP_MINUTES?: string;
  KEEP_HOURS?: string;
  KEEP_DAYS?: string;
  /** How much edges may send: see allowance.ts. */
  EDGE_BUNDLES_PER_MINUTE?: string;
  EDGE_BYTES_PER_MINUTE?: string;
  MAX_EDGES?: string;
  MAX_TAG_NAMES?: string;
  MAX_TAG_VALUES?: string;
  BODY_SECONDS?: string;
  /** `yes`: bundles that are not signed are refused. */
  REQUIRE_SIGNATURE?: string;
  /** Where events are posted: see webhook.ts. */
  WEBHOOK_URL?: string;
  /** The one way out of a Worker that may not reach the network; without it, events go the usual way. */
  WEBHOOK?: Fetcher;
  /** Where backups are kept, on Cloudflare; without it they are files alone. */
  BACKUPS?: R2Bucket;
  /** The built page. */
  ASSETS?: Fetcher;
}
