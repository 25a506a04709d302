/** Results of a contender: their name, unit, decimals, and what is better. */
const COLUMNS = [
  { key: 'up', title: 'TCP up', decimals: 0 },
  { key: 'down', title: 'TCP down', decimals: 0 },
  { key: 'four', title: '4 streams', decimals: 0 },
  { key: 'udp1372', title: 'UDP 1372', decimals: 1, scale: 1000 },
  { key: 'udp64', title: 'UDP 64', decimals: 1, scale: 1000 },
  { key: 'pingMedian', title: 'ping p50', decimals: 2 },
  { key: 'pingP99', title: 'ping p99', decimals: 2 },
  { key: 'cpuClient', title: 'CPU client', decimals: 2 },
  { key: 'cpuServer', title: 'CPU server', decimals: 2 },
  { key: 'cpuPerGigabyte', title: 'CPU s/GB', decimals: 2 },
  { key: 'linkPacketBytes', title: 'link packet', decimals: 0 },
];
const RATIOS = ['up', 'down', 'four', 'udp1372', 'udp64', 'pingMedian', 'pingP99', 'cpuPerGigabyte'];

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of rounds, key by key. */
export function medians(rounds) {
  const keys = [...new Set(rounds.flatMap((round) => Object.keys(round)))];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      median(rounds.map((round) => round[key]).filter((value) => value !== undefined)),
    ]),
  );
}

/** What `fast` has of each other, for all keys that both have. */
export function ratios(rows) {
  return rows
    .filter(({ contender }) => contender !== 'fast')
    .flatMap((row) => {
      const fast = rows.find(
        ({ contender, cipher, link }) => contender === 'fast' && cipher === row.cipher && link === row.link,
      );
      // wireguard-go has but one cipher; what it is compared with at first is the fastest that each side has.
      const aes = rows.find(
        ({ contender, cipher, link }) =>
          contender === 'fast' && cipher === 'AES-256-GCM' && link === row.link,
      );
      const against = row.contender === 'wireguard' ? [aes, fast] : [fast];
      return against
        .filter((one) => one !== undefined)
        .map((one) => ({
          link: row.link,
          cipher: one.cipher,
          to: row.contender,
          toCipher: row.cipher,
          values: Object.fromEntries(
            RATIOS.filter((key) => one.medians[key] && row.medians[key]).map((key) => [
              key,
              one.medians[key] / row.medians[key],
            ]),
          ),
        }));
    });
}

/** The aims, each with what was measured; those that were not are left out. */
export function aims(rows) {
  const all = ratios(rows);
  const ratio = (link, cipher, to, key) =>
    all.find((one) => one.link === link && one.cipher === cipher && one.to === to)?.values[key];
  const own = (cipher, key) =>
    rows.find((row) => row.contender === 'fast' && row.cipher === cipher && row.link === 'offload')?.medians[
      key
    ];
  const AES = 'AES-256-GCM';
  const CHACHA = 'ChaCha20-Poly1305';
  return [
    ['TCP, OpenVPN', ratio('offload', AES, 'openvpn', 'up'), 7],
    ['TCP, wireguard-go', ratio('offload', AES, 'wireguard', 'up'), 7],
    ['TCP, strongSwan userspace', ratio('offload', AES, 'strongswan', 'up'), 11],
    ['TCP, a copy instead of a cipher', ratio('offload', AES, 'copy', 'up'), 0.5],
    ['TCP without UDP segmentation, OpenVPN', ratio('plain', AES, 'openvpn', 'up'), 5],
    ['UDP 1372, OpenVPN', ratio('offload', AES, 'openvpn', 'udp1372'), 3],
    ['UDP 1372, wireguard-go', ratio('offload', AES, 'wireguard', 'udp1372'), 3],
    ['TCP, ChaCha20-Poly1305 to AES-256-GCM', own(CHACHA, 'up') / own(AES, 'up'), 0.75],
    ['ping p99, wireguard-go', ratio('offload', AES, 'wireguard', 'pingP99'), undefined, 1],
  ]
    .filter(([, value]) => Number.isFinite(value))
    .map(([what, value, least, most]) => ({
      what,
      value,
      ...(least === undefined ? { most } : { least }),
      met: least === undefined ? value <= most : value >= least,
    }));
}

const cells = (columns, values, format) =>
  columns.map((column) => format(values[column.key], column)).join('');

function table(rows, titles) {
  const number = (value, { decimals, scale = 1 }) =>
    (value === undefined ? '-' : (value / scale).toFixed(decimals)).padStart(12);
  const head = `${''.padEnd(28)}${COLUMNS.map(({ title }) => title.padStart(12)).join('')}`;
  return [
    head,
    ...rows.map((row) => `${titles[row.contender].padEnd(28)}${cells(COLUMNS, row.medians, number)}`),
  ];
}

/** All as text. @param titles of contenders */
export function render(rows, titles) {
  const lines = [
    'Mbit/s; UDP thousand packets/s that arrived, read or not; ping ms beside a stream; CPU cores of TCP up, and seconds a gigabyte; bytes of a packet on the link',
  ];
  const groups = [...new Set(rows.map(({ link, cipher }) => `${link}|${cipher}`))];
  for (const group of groups) {
    const [link, cipher] = group.split('|');
    lines.push('', `${cipher}, link ${link === 'offload' ? 'with' : 'without'} UDP segmentation`);
    lines.push(
      ...table(
        rows.filter((row) => row.link === link && row.cipher === cipher),
        titles,
      ),
    );
  }
  const compared = ratios(rows);
  if (compared.length === 0) return `${lines.join('\n')}\n`;
  const columns = COLUMNS.filter(({ key }) => RATIOS.includes(key));
  const ratio = (value) => (value === undefined ? '-' : value.toFixed(2)).padStart(12);
  lines.push('', `${'fast to'.padEnd(58)}${columns.map(({ title }) => title.padStart(12)).join('')}`);
  for (const { link, cipher, to, toCipher, values } of compared) {
    const suite = cipher === toCipher ? cipher : `${cipher}/${toCipher.split('-')[0]}`;
    const name = `${titles[to]}, ${suite}${link === 'offload' ? '' : ', no segmentation'}`;
    lines.push(`${name.padEnd(58)}${cells(columns, values, ratio)}`);
  }
  lines.push('');
  for (const { what, value, least, most, met } of aims(rows)) {
    const bound = least === undefined ? `at most ${most}` : `at least ${least}`;
    lines.push(`aim ${met ? 'met   ' : 'missed'} ${value.toFixed(2).padStart(7)}  ${bound}: ${what}`);
  }
  return `${lines.join('\n')}\n`;
}
