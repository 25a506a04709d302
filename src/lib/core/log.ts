/** Diagnostics for people, never secrets. Handed in from above; the default says nothing. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type Log = (level: LogLevel, message: string) => void;
export const silent: Log = () => {};
