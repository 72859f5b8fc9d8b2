/** Who came and went within one batch. */
export interface PresenceBatch {
  joined: string[];
  left: string[];
}

/** Joins and departures are told together after this, in ms. */
export const presenceBatchMs = 3_000;

interface Someone {
  identity: string;
  name: string;
}

/** Gathers who comes and goes; whoever returns within a batch was never away. */
export class PresenceWatch {
  private known: ReadonlyMap<string, string> | null = null;
  private readonly joined = new Map<string, string>();
  private readonly left = new Map<string, string>();

  /** Takes the others present now. The first list is the company one finds, and is not news. */
  see(others: readonly Someone[]): boolean {
    const now = new Map(others.map(({ identity, name }) => [identity, name]));
    const before = this.known;
    this.known = now;
    if (!before) return false;
    for (const [identity, name] of now) {
      if (before.has(identity)) continue;
      if (!this.left.delete(identity)) this.joined.set(identity, name);
    }
    for (const [identity, name] of before) {
      if (now.has(identity)) continue;
      if (!this.joined.delete(identity)) this.left.set(identity, name);
    }
    return this.joined.size > 0 || this.left.size > 0;
  }

  /** Starts over: after a lost connection the next list is company again, not news. */
  forget(): void {
    this.known = null;
    this.joined.clear();
    this.left.clear();
  }

  /** Returns what gathered and begins a new batch. */
  take(): PresenceBatch {
    const batch = { joined: [...this.joined.values()], left: [...this.left.values()] };
    this.joined.clear();
    this.left.clear();
    return batch;
  }
}
