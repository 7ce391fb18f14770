import { startEcho, echoEvent } from './support/echo-guest.ts';
const g = await startEcho();
const p = echoEvent(new Uint8Array(1024));
for (let i = 0; i < 50000; i++) g.step(p);
const rs = [];
for (let r = 0; r < 9; r++) {
  const t = performance.now();
  for (let i = 0; i < 50000; i++) g.step(p);
  rs.push((performance.now() - t) / 50);
}
console.log(rs.map((x) => x.toFixed(2)).join(' '));
process.exit();
