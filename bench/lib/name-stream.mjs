/** Names as they are asked for: every other one is new until `most` have been asked, the others are skewed to the first. */
export class NameStream {
  constructor(random, most) {
    this.random = random;
    this.most = most;
    this.asked = 0;
  }

  next() {
    const fresh = this.asked < this.most && this.random() < 0.5;
    const number = fresh ? this.asked++ : Math.floor(this.random() ** 4 * Math.max(1, this.asked));
    if (!fresh && this.asked === 0) this.asked = 1;
    return `host-${number}.zone${number % 97}.test`;
  }
}
