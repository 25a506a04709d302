export interface BenchFlag {
  value?: string;
  least?: number;
  default?: string | number;
  help?: string;
}

type Value<Flag extends BenchFlag> = Flag extends { value: string }
  ?
      | (Flag extends { least: number } ? number : string)
      | (Flag extends { default: unknown } ? never : undefined)
  : boolean;

export function benchOptions<const Flags extends Record<string, BenchFlag>>(bench: {
  script: string;
  about: string;
  flags?: Flags;
}): { -readonly [Name in keyof Flags]: Value<Flags[Name]> };

export function misused(text: string): never;
