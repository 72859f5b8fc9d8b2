import type { Room } from 'livekit-client';

/** How packets reach the server: the rungs of the ladder, best first. */
export const ways = ['udp', 'tcp', 'relayUdp', 'relayTcp', 'relayTls'] as const;
export type Way = (typeof ways)[number];

type Entry = Record<string, unknown> & { type: string; id: string };

export function isWay(value: unknown): value is Way {
  return ways.some((way) => way === value);
}

/** How a Room's packets go at the moment; undefined where the browser does not tell. */
export async function readWay(room: Room): Promise<Way | undefined> {
  const manager = room.engine.pcManager;
  const reports = await Promise.all([
    manager?.publisher.getStats(),
    manager?.subscriber?.getStats(),
  ]);
  return wayOf(reports.flatMap((report) => (report ? ([...report.values()] as Entry[]) : [])));
}

/** Reads from statistics how the packets go; undefined where the browser does not tell. */
export function wayOf(entries: readonly Entry[]): Way | undefined {
  const pair =
    entries.find(({ type, id }) => type === 'candidate-pair' && selected(entries).has(id)) ??
    entries.find(
      ({ type, nominated, state }) =>
        type === 'candidate-pair' && nominated && state === 'succeeded',
    );
  const local = entries.find(({ id }) => id === pair?.localCandidateId);
  if (!local) return undefined;
  if (local.candidateType === 'relay') {
    return local.relayProtocol === 'tls'
      ? 'relayTls'
      : local.relayProtocol === 'tcp'
        ? 'relayTcp'
        : 'relayUdp';
  }
  return local.protocol === 'tcp' ? 'tcp' : 'udp';
}

function selected(entries: readonly Entry[]): Set<unknown> {
  return new Set(
    entries
      .filter(({ type }) => type === 'transport')
      .map((entry) => entry.selectedCandidatePairId),
  );
}
