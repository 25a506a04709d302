import { describe, expect, it } from 'vitest';
import { InOrder } from '../../../../src/cli/probe/in-order.js';

function run(most: number, steps: (order: InOrder<string>) => void): string {
  const shown: string[] = [];
  steps(new InOrder((item) => shown.push(item), most));
  return shown.join('');
}

describe('results', () => {
  it('are shown in the order of their places, the first at once', () => {
    expect(run(9, (order) => order.add(0, 'a'))).toBe('a');
    const late = (order: InOrder<string>): void => {
      order.add(2, 'd');
      order.end(2);
      order.add(1, 'c');
      order.add(0, 'a');
      order.add(0, 'b');
    };
    expect(run(9, late)).toBe('ab');
    expect(
      run(9, (order) => {
        late(order);
        order.end(0);
        order.add(1, 'C');
        order.end(1);
        order.add(3, 'e');
      }),
    ).toBe('abcCde');
  });

  it('wait in a bounded number only, and none is lost or shown twice', () => {
    const steps = (order: InOrder<string>): void => {
      for (const place of [3, 1, 2, 4]) {
        order.add(place, String(place));
        order.end(place);
      }
      order.add(0, '0');
      order.end(0);
      order.add(5, '5');
    };
    expect(run(2, steps)).toBe('123045');
    expect(run(0, steps)).toBe('312405');
  });

  it('are shown at the end though a place before them never ended', () => {
    expect(
      run(9, (order) => {
        order.add(2, 'c');
        order.add(1, 'b');
        order.flush();
      }),
    ).toBe('bc');
  });
});
