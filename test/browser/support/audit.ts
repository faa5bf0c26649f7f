/** What can be said by machine of how well a page can be read and used; runs in the page. */

/** What is wrong, one line each. */
export function audit(): string[] {
  return [...contrastFaults(), ...headingFaults(), ...idFaults(), ...overflowFaults(), ...targetFaults()];

  function isVisible(element: Element): boolean {
    return (
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && element.closest(".hidden, .skip") === null
    );
  }

  /** A colour as red, green, blue and alpha from 0 to 1, whatever notation it is in. */
  function channels(colour: string): number[] {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  }

  function over(front: number[], back: number[]): number[] {
    const alpha = front[3]!;
    return [0, 1, 2].map((index) => front[index]! * alpha + back[index]! * (1 - alpha)).concat(1);
  }

  function groundOf(element: Element): number[] {
    const layers: number[][] = [];
    for (let at: Element | null = element; at !== null; at = at.parentElement)
      layers.push(channels(getComputedStyle(at).backgroundColor));
    return layers.reduceRight((below, layer) => over(layer, below), [1, 1, 1, 1]);
  }

  function luminance(colour: number[]): number {
    const [red, green, blue] = colour.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  }

  /** WCAG 2.2, 1.4.3: 4.5 to 1, for large text 3 to 1. */
  function contrastFaults(): string[] {
    const seen = new Map<string, string>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement!;
      const text = node.textContent!.trim();
      if (text === "" || !isVisible(element) || element.closest("[aria-hidden=true], :disabled, script, style")) continue;
      const { color, fontSize } = getComputedStyle(element);
      const ground = groundOf(element);
      const [a, b] = [luminance(over(channels(color), ground)), luminance(ground)].sort((a, b) => b - a);
      const ratio = (a! + 0.05) / (b! + 0.05);
      const wanted = Number.parseFloat(fontSize) >= 24 ? 3 : 4.5;
      if (ratio < wanted) seen.set(`${color} ${ground}`, `contrast ${ratio.toFixed(2)} of "${text.slice(0, 30)}"`);
    }
    return [...seen.values()];
  }

  function headingFaults(): string[] {
    const levels = [...document.querySelectorAll("h1, h2, h3, h4")]
      .filter(isVisible)
      .map((heading) => Number(heading.tagName[1]));
    const faults = levels.flatMap((level, index) =>
      level > (levels[index - 1] ?? 0) + 1 ? [`a heading of level ${level} after ${levels[index - 1]}`] : [],
    );
    return levels.filter((level) => level === 1).length === 1 ? faults : [...faults, "there is not one heading of level 1"];
  }

  function idFaults(): string[] {
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    const double = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `the id ${id} is there twice`);
    const named = [...document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls]")].flatMap((element) =>
      ["aria-labelledby", "aria-describedby"].flatMap((name) => element.getAttribute(name)?.split(" ") ?? []),
    );
    return [...double, ...named.filter((id) => !ids.includes(id)).map((id) => `there is no element ${id}`)];
  }

  function overflowFaults(): string[] {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`the page is ${scrollWidth - clientWidth} px too wide`] : [];
  }

  /** WCAG 2.2, 2.5.8: what is pressed takes 24 px with the space around it; rows of a list have 30 px a line of 20. */
  function targetFaults(): string[] {
    return [...document.querySelectorAll("button, select, summary, input:not([type=file]), nav a")]
      .filter(isVisible)
      .flatMap((element) => {
        const { width, height } = element.getBoundingClientRect();
        return width < 24 || height < 20
          ? [`${element.textContent || element.id} is ${width.toFixed(0)} by ${height.toFixed(0)} px`]
          : [];
      });
  }
}
