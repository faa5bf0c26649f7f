declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*?bytes" {
  const bytes: Uint8Array;
  export default bytes;
}

/** The part of what Vite gives to modules that tests use. */
interface ImportMeta {
  glob<Module>(pattern: string, options: { query: string; import: string; eager: true }): Record<string, Module>;
}

/** The part of node-postgres, which comes without types, that tests use. */
declare module "pg" {
  export interface Result {
    command: string | null;
    rowCount: number | null;
    rows: unknown[];
    fields: unknown[];
  }

  interface Notice {
    message: string;
  }

  interface Connection {
    sendCopyFromChunk(chunk: Uint8Array): void;
    endCopyFrom(): void;
  }

  export class Query {
    constructor(text: string, values: unknown[] | undefined, done: (error: Error | null, result: Result) => void);
    handleCopyInResponse(connection: Connection): void;
  }

  export class Client {
    constructor(form: { host: string; port: number; user: string; database: string; ssl?: boolean; pipeline?: boolean });
    connect(): Promise<void>;
    query(statement: { text: string; name?: string; values?: unknown[] }): Promise<Result | Result[]>;
    query(query: Query): Query;
    cancel(client: Client, query: Query): void;
    on(event: "notice", heard: (notice: Notice) => void): this;
    on(event: "notification", heard: () => void): this;
    on(event: "error", heard: (error: Error) => void): this;
    end(): Promise<void>;
  }
}
