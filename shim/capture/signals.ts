/**
 * Does `work` while SIGINT and SIGTERM ask for its end; who cannot wait for that says so twice, and the program ends at once. SIGHUP asks for
 * it too where nobody has given it another meaning before: of a terminal that closes it comes from several sides, and hurries nothing.
 */
export async function untilSignal<T>(end: () => void, work: () => Promise<T>): Promise<T> {
  let isAsked = false;
  const onHangUp = () => {
    if (!isAsked) end();
    isAsked = true;
  };
  const onSignal = () => {
    if (isAsked) process.exit(1);
    onHangUp();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  if (process.listenerCount("SIGHUP") === 0) process.on("SIGHUP", onHangUp);
  try {
    return await work();
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    process.off("SIGHUP", onHangUp);
  }
}
