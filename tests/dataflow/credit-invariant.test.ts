/**
 * The credit invariant, whatever the interleaving: data frames in flight never exceed what was granted, bytes in flight of
 * an input never its budget; nothing hangs, and what arrives is a prefix of what was sent.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { GateUnderTest } from '../support/gate-under-test.js';

const checkpoints = 6;
const recordsEach = 120;

interface Course {
  readonly sent: readonly string[][];
  readonly gate: GateUnderTest;
  readonly fault: string | undefined;
  readonly heldPeak: number;
}

/** Senders of records of all sizes, with barriers at moments of their own; a slow reader that aligns them. */
async function converse(gate: GateUnderTest, buffers: { readonly exclusive: number; readonly floating: number }): Promise<Course> {
  const { world, random, senders, pressures } = gate;
  const sent = senders.map((): string[] => []);
  const barriers = senders.map(() => 0);
  let fault: string | undefined;
  let heldPeak = 0;
  const send = (index: number): void => {
    const lines = sent[index] as string[];
    const sender = senders[index];
    if (lines.at(-1) === 'end-of-partition' || sender === undefined) return;
    if (lines.length >= recordsEach + (barriers[index] as number)) {
      sender.sendEvent({ kind: 'end-of-partition' });
      lines.push('end-of-partition');
    } else if (random.chance(0.06) && (barriers[index] as number) < checkpoints) {
      barriers[index] = (barriers[index] as number) + 1;
      gate.barrier(index, barriers[index] as number);
      lines.push(`barrier ${barriers[index]}`);
    } else if (pressures[index]?.fullChannels === 0) {
      const size = random.chance(0.05) ? random.between(20_000, 300_000) : random.between(0, 12_000);
      const text = `${index}:${lines.length}:${'x'.repeat(size)}`;
      sender.add(text, noTimestamp);
      lines.push(text);
    } else sender.flush();
  };
  const act = (): void => {
    send(random.between(0, senders.length - 1));
    if (random.chance(0.6)) gate.read();
    const { overGrantFrames, grantedBytesPeak, grantBytesMax } = gate.receiving.credit();
    heldPeak = Math.max(heldPeak, grantedBytesPeak);
    if (overGrantFrames > 0) fault ??= `${overGrantFrames} frames beyond what was granted`;
    if (grantedBytesPeak > Math.min(grantBytesMax, gate.budgetBytes)) fault ??= `${grantedBytesPeak} bytes of ${gate.budgetBytes}`;
    for (const sender of senders) if (sender.overGrantFrames > 0) fault ??= `sent ${sender.overGrantFrames} beyond what was granted`;
    world.schedule(random.next() * 6, 'act', act);
  };
  assert.ok(buffers.exclusive + buffers.floating > 0);
  act();
  await world.runUntil(
    () => gate.failure !== undefined || gate.fault !== undefined || fault !== undefined || (gate.input.hasEnded && !gate.input.hasNext()),
    900_000,
  );
  return { sent, gate, fault: gate.fault ?? fault, heldPeak };
}

function gateFor(seed: number, faults: { drop: number; duplicate: number }, isCreditIgnored = false) {
  const buffers = {
    exclusive: seed % 3,
    floating: 1 + (seed % 5),
    grantBytesMax: limits.grantBytesPerProcess,
  };
  const payloadBytesMax = [1_048_576, 8_192, 1_024][seed % 7 === 0 ? 2 : seed % 2] as number;
  return { gate: new GateUnderTest({ seed, senders: 1 + (seed % 4), buffers, faults, payloadBytesMax, isCreditIgnored }), buffers };
}

const isPrefix = (part: readonly string[], whole: readonly string[]): boolean => part.every((text, index) => text === whole[index]);

const test = suite('credit invariant');

test('without losses everything arrives, in order and aligned, and credit is never exceeded (S2, D2, GC1 to GC5)', async () => {
  let aligned = 0;
  let duplicates = 0;
  for (let seed = 1; seed <= 24; seed += 1) {
    const { gate, buffers } = gateFor(seed, { drop: 0, duplicate: seed % 2 === 0 ? 0.1 : 0 });
    const { sent, fault, heldPeak } = await converse(gate, buffers);
    assert.is(gate.failure, undefined, `seed ${seed}: ${String(gate.failure)}`);
    assert.is(fault, undefined, `seed ${seed}: ${fault}`);
    assert.equal(gate.received, sent, `seed ${seed}`);
    assert.ok(heldPeak > 0 && heldPeak <= gate.budgetBytes, `seed ${seed}: ${heldPeak} of ${gate.budgetBytes}`);
    aligned += gate.aligned;
    duplicates += gate.input.duplicates;
  }
  assert.ok(aligned > 60, `${aligned} alignments`);
  assert.ok(duplicates > 100, `${duplicates} duplicates`);
});

test('with losses credit is never exceeded either: everything arrives, or the task fails by name; nothing hangs (D1, D3)', async () => {
  const codes = new Map<string, number>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const { gate, buffers } = gateFor(seed, { drop: 0.003, duplicate: 0.05 });
    const { sent, fault } = await converse(gate, buffers);
    assert.is(fault, undefined, `seed ${seed}: ${fault}`);
    for (const [index, lines] of gate.received.entries())
      assert.ok(isPrefix(lines, sent[index] as string[]), `seed ${seed}, sender ${index}`);
    const code = (gate.failure as MillraceError | undefined)?.code ?? 'none';
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assert.ok((codes.get('CHANNEL_GAP') ?? 0) > 5 && (codes.get('none') ?? 0) > 5, JSON.stringify([...codes]));
  for (const code of codes.keys()) assert.ok(['CHANNEL_GAP', 'CHANNEL_LOSS', 'none'].includes(code), code);
});

test('senders that ignore credit are noticed, on the bus and by the channels themselves', async () => {
  let noticed = 0;
  for (let seed = 1; seed <= 6; seed += 1) {
    const { gate, buffers } = gateFor(seed, { drop: 0, duplicate: 0 }, true);
    const { fault } = await converse(gate, buffers);
    if (fault !== undefined) noticed += 1;
  }
  assert.is(noticed, 6);
});

test.run();
