/** Connections one beside another. */

/** Talks over so many connections at once, each putting the outcomes of its exchanges by their ids. */
export async function many(
  connections: number,
  talk: (connection: number, outcomes: Map<string, string>) => Promise<void>,
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>();
  await Promise.all(Array.from({ length: connections }, (_, connection) => talk(connection, outcomes)));
  return outcomes;
}
