/** Runs agents as processes of their own, as they would run on other hosts. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { writePidFile } from "../../shim/hub/pid-file";
import { edgePidPath, spoolOf } from "./leftovers";

/** One edge: its key, its site, what it reads. */
export interface Edge {
  site: string;
  key: string;
  /** Words of `tallywire agent`. */
  input: string[];
}

/** How an agent ended, and what it had said by then. */
export interface EdgeEnd {
  code: number | null;
  said: string;
}

/** An agent that runs. */
export interface RunningEdge {
  /** Settles when it has begun to read, or has ended. */
  begun: Promise<unknown>;
  /** Settles when it has ended, for whatever reason. */
  ended: Promise<EdgeEnd>;
  /** Tells it to end, which posts what it has; resolves when it has ended. */
  finish(): Promise<EdgeEnd>;
  /** Ends it at once. */
  kill(): Promise<EdgeEnd>;
}

/** The edges of one start, which post to one hub and keep what they have in one folder. */
export class Edges {
  private readonly running = new Set<RunningEdge>();
  private isOver = false;

  constructor(
    private readonly root: string,
    private readonly folder: string,
    private readonly hub: string,
  ) {}

  /** Starts the agent of an edge. Throws where all were ended. */
  start({ site, key, input }: Edge): RunningEdge {
    if (this.isOver) throw new Error("the edges have ended");
    const program = join(this.root, "shim/bin/tallywire.mjs");
    const words = ["agent", ...input, "--hub", this.hub, "--tags", `site=${site}`, "--spool", spoolOf(this.folder)];
    const env = { ...process.env, TALLYWIRE_KEY: key };
    const child = spawn(process.execPath, [program, ...words], { cwd: this.root, env, stdio: ["ignore", "pipe", "pipe"] });
    if (child.pid !== undefined) writePidFile(edgePidPath(this.folder, site), child.pid);
    let text = "";
    const reads = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => {
          text += chunk;
          if (text.includes(": reading ")) resolve();
        });
    });
    const ended = new Promise<EdgeEnd>((resolve) => {
      child.on("error", ({ message }) => resolve({ code: null, said: message }));
      child.on("close", (code) => resolve({ code, said: text.trim() }));
    });
    const end = (signal: NodeJS.Signals) => {
      child.kill(signal);
      return ended;
    };
    const edge = { begun: Promise.race([reads, ended]), ended, finish: () => end("SIGTERM"), kill: () => end("SIGKILL") };
    this.running.add(edge);
    void ended.then(() => this.running.delete(edge));
    return edge;
  }

  /** Ends all that still run; none starts any more. */
  async kill(): Promise<void> {
    this.isOver = true;
    await Promise.all([...this.running].map((edge) => edge.kill()));
  }
}
