import { webhookSecret } from "../../engine/keys";
import { importSigner, signText } from "../../engine/signature";
import type { Environment } from "../environment";
import { WEBHOOK_BATCH_MAX, WEBHOOK_TIMEOUT_MS, WEBHOOK_WAIT_MAX_MS } from "../limits";
import { describeEvent } from "../query/events";
import { webhookOf } from "../webhook";
import type { EventLog } from "./event-log";

/**
 * Posts events to the owner's webhook, the oldest first, many at once. What is not taken is posted again, later and later; nothing else
 * ever waits for it.
 */
export class Webhook {
  private isPosting = false;
  private failures = 0;
  private notBeforeMs = 0;

  constructor(
    private readonly log: EventLog,
    private readonly environment: Environment,
  ) {}

  /** Posts what waits, where there is a webhook and it is time; never throws. `tenant` and `object` say whose events they are. */
  async deliver(tenant: string, object: string, nowMs: number, periodSeconds: number): Promise<void> {
    if (this.isPosting || nowMs < this.notBeforeMs) return;
    this.isPosting = true;
    try {
      const url = webhookOf(this.environment);
      if (url === null) return;
      for (let events = this.log.unsent(WEBHOOK_BATCH_MAX); events.length > 0; events = this.log.unsent(WEBHOOK_BATCH_MAX)) {
        const body = JSON.stringify({ service: "tallywire", tenant, object, events: events.map(describeEvent) });
        await this.post(url, tenant, body);
        this.log.noteSent(events);
      }
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      const waitMs = Math.min(WEBHOOK_WAIT_MAX_MS, periodSeconds * 1000 * 2 ** (this.failures - 1));
      this.notBeforeMs = nowMs + waitMs / 2 + (Math.random() * waitMs) / 2;
      console.error(`webhook failed, tried again later: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.isPosting = false;
    }
  }

  private async post(url: URL, tenant: string, body: string): Promise<void> {
    const { MASTER_KEY: master, WEBHOOK: only } = this.environment;
    if (master === undefined) throw new Error("the hub has no MASTER_KEY to sign with");
    const signature = await signText(await importSigner(await webhookSecret(master, tenant)), body);
    const headers = { "content-type": "application/json", "tallywire-signature": signature, "user-agent": "tallywire" };
    const init = { method: "POST", body, headers, redirect: "manual", signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS) } as const;
    const response = await (only === undefined ? fetch(url, init) : only.fetch(url, init));
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  }
}
