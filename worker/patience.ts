/** What comes of work, where it does within so long; throws what `tooLate` makes where it does not, and then what becomes of it is of no matter. */
export async function within<Result>(ms: number, work: Promise<Result>, tooLate: () => Error): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate()), ms);
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}
