/** Frame numbers kept as evidence of one thing. */
export const MAX_FRAMES = 32;

/** Appends a frame number, unless it is there already or there are enough. */
export function noteFrame(frames: number[], frame: number): void {
  if (frames.length < MAX_FRAMES && frames.at(-1) !== frame) frames.push(frame);
}

/** Several lists as one: ascending, without repetition, bounded. */
export function joinFrames(...lists: readonly (readonly number[] | undefined)[]): number[] {
  return [...new Set(lists.flatMap((list) => list ?? []))].sort((a, b) => a - b).slice(0, MAX_FRAMES);
}

/** `address` of `address:port` and `[address]:port`; an address without port as it is. */
export function addressOf(endpoint: string): string {
  if (endpoint.startsWith('[')) return endpoint.slice(1, endpoint.indexOf(']'));
  const colon = endpoint.indexOf(':');
  return colon === -1 || colon !== endpoint.lastIndexOf(':') ? endpoint : endpoint.slice(0, colon);
}

/** The port of an endpoint; 0 when it has none. */
export function portOf(endpoint: string): number {
  const text = endpoint.startsWith('[')
    ? endpoint.slice(endpoint.indexOf(']') + 2)
    : endpoint.slice(addressOf(endpoint).length + 1);
  return Number(text) || 0;
}

/** Milliseconds between two times in nanoseconds. */
export function milliseconds(from: bigint, to: bigint): number {
  return Number(to - from) / 1e6;
}
