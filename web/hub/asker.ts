/** Questions about one window, and the window itself: as fine as the hub still keeps it. */
import { type Answer, type AnswerMeta, type AnswerRow, type HubClient, HubError, type HubMetric, type Question } from "./client";
import { type Scope, type Window, whereOf, windowsOf } from "./scope";

/** Metrics of one query. */
const METRICS_MAX = 8;

/** What to ask beside metric and window. */
export interface Ask extends Pick<Question, "op" | "by" | "n" | "q" | "key"> {
  /** Whether values are told apart by step. */
  isOverTime?: boolean;
  /** Steps of the window that make one of the answer. */
  steps?: number;
}

/** Rows of several metrics: each says in `metric` which it is of. */
export interface Rows {
  data: AnswerRow[];
  meta: AnswerMeta;
}

/** Asks about one window, with the filters of a scope. */
export class Asker {
  private constructor(
    private readonly client: HubClient,
    readonly metrics: readonly HubMetric[],
    readonly scope: Scope,
    readonly window: Window,
    private readonly signal: AbortSignal,
  ) {}

  /** Finds the finest window that the hub answers about. Throws HubError. */
  static async open(client: HubClient, metrics: readonly HubMetric[], scope: Scope, signal: AbortSignal): Promise<Asker> {
    // A label filters what has it: of other metrics it is not known what of them would be meant.
    const names = Object.keys(scope.labels);
    const fitting = metrics.filter(({ labels }) => names.every((name) => labels.some((label) => label.name === name)));
    const probe = fitting.find(({ kind }) => kind === "counter");
    const windows = windowsOf(scope, Date.now() / 1000);
    let refused: unknown = new HubError("There is no whole minute in this time; choose a longer one.", 0);
    for (const window of windows) {
      const asker = new Asker(client, fitting, scope, window, signal);
      try {
        const told = probe ? await asker.ask([probe.name], { op: "sum", isOverTime: true }) : undefined;
        // The hub would answer about a wider window than is shown: one of longer steps is shown as it is.
        if (told?.meta.asked === undefined || window === windows.at(-1)) return asker;
      } catch (error) {
        if (!(error instanceof HubError && error.code === "too_fine")) throw error;
        refused = error;
      }
    }
    throw refused;
  }

  /** Metrics of a kind, those of one module or of all. */
  of(kind: HubMetric["kind"], module?: string): HubMetric[] {
    return this.metrics.filter((metric) => metric.kind === kind && (module === undefined || moduleOf(metric.name) === module));
  }

  /** Asks the same of several metrics. Throws HubError. */
  async ask(metrics: readonly string[], { isOverTime, steps = 1, ...question }: Ask): Promise<Rows> {
    const { from, to, step, shift } = this.window;
    const isComparable = !["histogram", "breakdown"].includes(question.op);
    const parts: string[][] = [];
    for (let start = 0; start < metrics.length; start += METRICS_MAX) parts.push(metrics.slice(start, start + METRICS_MAX));
    const answers = await Promise.all(
      parts.map(async (metric): Promise<Answer> => {
        const whole = {
          ...question,
          metric: metric.length === 1 ? metric[0]! : metric,
          from,
          to,
          where: whereOf(this.scope),
          ...(isOverTime && { step: step * steps }),
          ...(shift !== undefined && isComparable && { compare: shift }),
        };
        const { data, meta } = await this.client.query(whole, this.signal);
        return { data: metric.length === 1 ? data.map((row) => ({ ...row, metric: metric[0]! })) : data, meta };
      }),
    );
    const metas = answers.flatMap(({ meta }) => meta.metrics ?? [meta]);
    const meta = metas.find(({ complete }) => !complete) ?? metas[0] ?? this.emptyMeta();
    return { data: answers.flatMap(({ data }) => data), meta };
  }

  /** What is to be said where nothing was asked. */
  private emptyMeta(): AnswerMeta {
    const text = (seconds: number) => new Date(seconds * 1000).toISOString();
    const { from, to, step } = this.window;
    const nobody = { missing_edges: [], missing_edges_count: 0, set_apart: 0 };
    return { from: text(from), to: text(to), step, complete: true, complete_until: text(to), ...nobody };
  }
}

/** Modules are the first parts of metrics' names. */
export function moduleOf(metric: string): string {
  const end = metric.indexOf("_");
  return end < 0 ? metric : metric.slice(0, end);
}

/** Rows of one metric. */
export function rowsOf({ data }: Rows, metric: string): AnswerRow[] {
  return data.filter((row) => row.metric === metric);
}
