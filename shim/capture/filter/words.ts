import { Failure } from "../../failure";
import { markedText } from "../../marked-text";

/** What a filter of the common words holds. */
export const COMMON_WORDS =
  "host, net, mask, port, portrange, proto, src, dst, names of protocols, less, greater, and, or, not, and addresses and numbers";

/** How libpcap is come by. */
export const LIBPCAP_INSTALL = "Debian: apt-get install libpcap0.8";

/** Words of a filter: more than any that the kernel takes has. */
const WORDS_MAX = 2000;
const SPACE = /\s+/y;
const WORD = /&&|\|\||[()]|!(?!=)|\\?[\w.:/-]+/y;

/** One word of a filter. */
export interface Word {
  text: string;
  /** Of its first character, from 0. */
  place: number;
}

/** A filter in words, read one after the other. */
export class Words {
  private readonly words: Word[] = [];
  private next = 0;

  /** Throws Failure where a character is in none of the common words. */
  constructor(private readonly filter: string) {
    for (let place = 0; place < filter.length; ) {
      SPACE.lastIndex = place;
      WORD.lastIndex = place;
      const [space] = SPACE.exec(filter) ?? [];
      const [text] = WORD.exec(filter) ?? [];
      if (text !== undefined) this.words.push({ text, place });
      else if (space === undefined) throw this.beyond(filter[place]!, place);
      place += (text ?? space)!.length;
    }
    if (this.words.length > WORDS_MAX) throw this.fault(`more than ${WORDS_MAX} words`, this.words[WORDS_MAX]!.place);
  }

  /** The next word, or one behind it; empty at the end. */
  peek(behind = 0): string {
    return this.words[this.next + behind]?.text ?? "";
  }

  /** Goes on to the word behind the next, which it gives; at the end an empty one. */
  take(): Word {
    return this.words[this.next++] ?? { text: "", place: this.filter.length };
  }

  /** Takes the next word where it is one of these. */
  takeIf(...texts: string[]): string | undefined {
    const text = this.peek();
    if (text === "" || !texts.includes(text)) return undefined;
    return this.take().text;
  }

  /** What is wrong at a place, or at the next word. */
  fault(message: string, place = this.place): Failure {
    return new Failure(`-f, column ${place + 1}: ${message}`, 2, { below: markedText(this.filter, place + 1) });
  }

  /** That something at a place, or at the next word, is beyond what the common words can say. */
  beyond(what: string, place = this.place): Failure {
    const message = `"${what}" takes libpcap, which is not installed (${LIBPCAP_INSTALL}); without it there are ${COMMON_WORDS}`;
    return this.fault(message, place);
  }

  /** Place of the next word. */
  get place(): number {
    return this.words[this.next]?.place ?? this.filter.length;
  }
}
