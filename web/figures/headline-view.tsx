/** One large figure and a small word about it. */
export interface Headline {
  title: string;
  value: string;
  note?: string;
  /** What it was before. */
  change?: string;
  isBad?: boolean;
}

/** Figures side by side. */
export function HeadlineView({ figures, label }: { figures: readonly Headline[]; label: string }) {
  return (
    <dl class="headline" aria-label={label}>
      {figures.map(({ title, value, note, change, isBad }) => (
        <div key={title} class={isBad ? "bad" : ""}>
          <dt>{title}</dt>
          <dd>
            <span class="value">{value}</span>
            <span class="aside">{note ?? ""}</span>
            {change === undefined ? null : <span class="change">{change}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
