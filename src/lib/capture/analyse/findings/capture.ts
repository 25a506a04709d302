import { findingGroup } from './group.js';

const kinds = {
  'capture-damaged': {
    severity: 'medium',
    summary: 'The capture file is damaged or ends in the middle of a record; what comes after was not read.',
    advice:
      'Copy the file again, or capture again and end the capture orderly (tcpdump: Ctrl-C, and -U to write every packet at once).',
  },
  'capture-cut': {
    severity: 'low',
    summary: 'The capture cut packets off (snapshot length), so they cannot be decrypted or checked.',
    advice: 'Capture whole packets: tcpdump -s 0.',
  },
  'tcp-gap': {
    severity: 'low',
    summary:
      'TCP segments are missing from the capture, so messages in the stream were lost to the analysis.',
    advice: 'Capture again without loss (tcpdump reports drops; a bigger buffer, -B, helps).',
  },
} as const;

const idOfNote: Readonly<Record<string, keyof typeof kinds>> = {
  E_CAPTURE_DAMAGED: 'capture-damaged',
  N_CUT_FRAME: 'capture-cut',
  N_TCP_GAP: 'tcp-gap',
};

/** What is wrong with the capture itself. */
export const capture = findingGroup('capture', kinds, ({ notes }, emit) => {
  for (const { code, message, frame } of notes) {
    const id = idOfNote[code];
    if (id !== undefined) emit(id, [frame === undefined ? [] : [frame]], sentence(message));
  }
});

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return text.endsWith('.') ? text : `${text}.`;
}
