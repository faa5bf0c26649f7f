/** Opens connections of each life in each manner, on loopback and between namespaces, and prints what came of asking whose they are. */
import { betweenNamespaces, compileClient, onLoopback } from "../../test/support/owner/attribution";

const [count] = process.argv.slice(2).map(Number);
const plan = { count: count!, manners: ["long", "exec"], livesMs: [0, 2, 10, 50] };
const { client, remove } = compileClient();
try {
  const loopback = await onLoopback(client, plan);
  const namespaces = await betweenNamespaces(client, plan);
  console.log(JSON.stringify({ loopback, namespaces }));
} finally {
  remove();
}
