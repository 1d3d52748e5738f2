/**
 * The contract of {@link Bus}: B1–B5 of bus/contracts.ts. The cases hold for a transport that works: faults (loss,
 * delays, a server that goes away) are tests of their own.
 */
import { rejects, strict as assert } from 'node:assert';
import { type Bus, BusError, type BusFailure, type BusMessage, type BusStatus } from '../../bus/contracts.js';
import type { Contract } from './contract.js';

export interface BusFixture {
  /** A new connection to one and the same bus; the case closes it. */
  connect(): Promise<Bus>;
  /** A subject prefix that no other case uses. */
  readonly prefix: string;
}

type Body = (bench: BusFixture) => Promise<void>;

async function closingAfterwards(fixture: BusFixture, body: Body): Promise<void> {
  const open: Bus[] = [];
  const connect = async (): Promise<Bus> => {
    const bus = await fixture.connect();
    open.push(bus);
    return bus;
  };
  try {
    await body({ prefix: fixture.prefix, connect });
  } finally {
    await Promise.all(open.map((bus) => bus.close()));
  }
}

/** Longer than any case takes, so that a wrong time-out shows as a hanging case. */
const longMs = 60_000;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Everything a pattern receives, with a wait for the n-th message. */
function collect(bus: Bus, pattern: string, queue?: string) {
  const subjects: string[] = [];
  const payloads: number[][] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const subscription = bus.subscribe(
    pattern,
    (message) => {
      subjects.push(message.subject);
      payloads.push([...message.payload]);
      for (const waiter of waiting) if (payloads.length >= waiter.count) waiter.resolve();
    },
    queue === undefined ? {} : { queue },
  );
  const reach = (count: number): Promise<void> =>
    payloads.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve }));
  return { subjects, payloads, reach, subscription };
}

/** Publisher and subscriber on connections of their own. */
async function pair(bench: BusFixture): Promise<{ readonly near: Bus; readonly far: Bus }> {
  return { near: await bench.connect(), far: await bench.connect() };
}

/** After this, everything published before on `near` has reached the handlers of `far`. */
async function passThrough(near: Bus, far: Bus, prefix: string): Promise<void> {
  const marker = collect(far, `${prefix}.marker`);
  await far.flush();
  near.publish(`${prefix}.marker`, bytes());
  await marker.reach(1);
  marker.subscription.unsubscribe();
}

function isFailure(failure: BusFailure): (error: unknown) => boolean {
  return (error) => error instanceof BusError && error.failure === failure;
}

const cases: Readonly<Record<string, Body>> = {
  'messages of one publisher on one subject arrive in order (B2)': async (bench) => {
    const { near, far } = await pair(bench);
    const seen = collect(far, `${bench.prefix}.a`);
    await far.flush();
    for (let index = 0; index < 500; index += 1) near.publish(`${bench.prefix}.a`, bytes(index >> 8, index & 0xff));
    await seen.reach(500);
    assert.deepEqual(
      seen.payloads,
      Array.from({ length: 500 }, (_, index) => [index >> 8, index & 0xff]),
    );
  },

  'a handler never runs inside publish': async (bench) => {
    const bus = await bench.connect();
    const seen = collect(bus, `${bench.prefix}.a`);
    await bus.flush();
    bus.publish(`${bench.prefix}.a`, bytes(1));
    assert.equal(seen.payloads.length, 0);
    await seen.reach(1);
  },

  'a connection hears what it publishes itself': async (bench) => {
    const bus = await bench.connect();
    const seen = collect(bus, `${bench.prefix}.a`);
    bus.publish(`${bench.prefix}.a`, bytes(7));
    await seen.reach(1);
    assert.deepEqual(seen.payloads, [[7]]);
  },

  'every byte arrives as it was sent, and an empty payload as an empty one': async (bench) => {
    const { near, far } = await pair(bench);
    const all = Array.from({ length: 256 }, (_, value) => value);
    const seen = collect(far, `${bench.prefix}.a`);
    await far.flush();
    near.publish(`${bench.prefix}.a`, Uint8Array.from(all));
    near.publish(`${bench.prefix}.a`, bytes());
    await seen.reach(2);
    assert.deepEqual(seen.payloads, [all, []]);
  },

  'a subject matches itself only; * matches one token; > matches one or more (B3)': async (bench) => {
    const { near, far } = await pair(bench);
    const { prefix } = bench;
    const exact = collect(far, `${prefix}.a.b`);
    const star = collect(far, `${prefix}.*.b`);
    const open = collect(far, `${prefix}.a.>`);
    await far.flush();
    for (const subject of ['a', 'a.b', 'a.b.c', 'x.b', 'a.bb', 'b']) near.publish(`${prefix}.${subject}`, bytes(1));
    await passThrough(near, far, prefix);
    assert.deepEqual(exact.subjects.sort(), [`${prefix}.a.b`]);
    assert.deepEqual(star.subjects.sort(), [`${prefix}.a.b`, `${prefix}.x.b`]);
    assert.deepEqual(open.subjects.sort(), [`${prefix}.a.b`, `${prefix}.a.b.c`, `${prefix}.a.bb`]);
  },

  'what cannot be a subject or a pattern is refused': async (bench) => {
    const bus = await bench.connect();
    for (const subject of ['', 'a..b', '.a', 'a.', 'a b', 'a.*', 'a.>', 'a\r\nPUB b']) {
      assert.throws(() => bus.publish(subject, bytes(1)), TypeError, subject);
      await rejects(bus.request(subject, bytes(1), { timeoutMs: longMs }), TypeError, subject);
    }
    for (const pattern of ['', 'a..b', 'a.>.b', 'a b']) {
      assert.throws(() => bus.subscribe(pattern, () => undefined), TypeError, pattern);
    }
  },

  'subscribers without a group get every message, of a queue group one does (B4)': async (bench) => {
    const { near, far } = await pair(bench);
    const subject = `${bench.prefix}.work`;
    const plain = [collect(far, subject), collect(near, subject)];
    const red = [collect(far, subject, 'red'), collect(near, subject, 'red'), collect(far, subject, 'red')];
    const blue = [collect(far, subject, 'blue')];
    await Promise.all([near.flush(), far.flush()]);
    for (let index = 0; index < 60; index += 1) near.publish(subject, bytes(index));
    await Promise.all([...plain, ...blue].map((member) => member.reach(60)));
    await passThrough(near, far, bench.prefix);
    await passThrough(near, near, bench.prefix);
    const everything = Array.from({ length: 60 }, (_, index) => index);
    for (const member of [...plain, ...blue]) assert.deepEqual(member.payloads.flat(), everything);
    const taken = red.flatMap((member) => member.payloads.flat()).sort((left, right) => left - right);
    assert.deepEqual(taken, everything);
  },

  'a request gets the answer, a plain message nothing to answer with': async (bench) => {
    const { near, far } = await pair(bench);
    const messages: BusMessage[] = [];
    far.subscribe(`${bench.prefix}.>`, (message) => {
      messages.push(message);
      message.respond?.(bytes(...message.payload, 9));
    });
    await far.flush();
    const answer = await near.request(`${bench.prefix}.ask`, bytes(1, 2), { timeoutMs: longMs });
    near.publish(`${bench.prefix}.tell`, bytes(3));
    await passThrough(near, far, bench.prefix);
    assert.deepEqual([...answer], [1, 2, 9]);
    assert.deepEqual(messages.map((message) => [message.subject, message.respond !== undefined]).slice(0, 2), [
      [`${bench.prefix}.ask`, true],
      [`${bench.prefix}.tell`, false],
    ]);
  },

  'an empty answer is an answer': async (bench) => {
    const { near, far } = await pair(bench);
    far.subscribe(`${bench.prefix}.a`, (message) => message.respond?.(bytes()));
    await far.flush();
    assert.equal((await near.request(`${bench.prefix}.a`, bytes(), { timeoutMs: longMs })).length, 0);
  },

  'each of many requests under way gets its own answer': async (bench) => {
    const { near, far } = await pair(bench);
    const held: BusMessage[] = [];
    far.subscribe(`${bench.prefix}.a`, (message) => {
      held.push({ ...message, payload: message.payload.slice() });
      // Answered backwards, so that order does not help.
      if (held.length === 50) for (const each of held.reverse()) each.respond?.(each.payload);
    });
    await far.flush();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => near.request(`${bench.prefix}.a`, bytes(index), { timeoutMs: longMs })),
    );
    assert.deepEqual(
      answers.map((answer) => answer[0]),
      Array.from({ length: 50 }, (_, index) => index),
    );
  },

  'answers after the first are ignored': async (bench) => {
    const { near, far } = await pair(bench);
    far.subscribe(`${bench.prefix}.a`, (message) => {
      message.respond?.(bytes(1));
      message.respond?.(bytes(2));
    });
    await far.flush();
    assert.deepEqual([...(await near.request(`${bench.prefix}.a`, bytes(), { timeoutMs: longMs }))], [1]);
    assert.deepEqual([...(await near.request(`${bench.prefix}.a`, bytes(), { timeoutMs: longMs }))], [1]);
  },

  'a request that a queue group serves is answered by one member': async (bench) => {
    const { near, far } = await pair(bench);
    let handled = 0;
    for (const bus of [near, far]) {
      bus.subscribe(
        `${bench.prefix}.a`,
        (message) => {
          handled += 1;
          message.respond?.(bytes(1));
        },
        { queue: 'workers' },
      );
    }
    await Promise.all([near.flush(), far.flush()]);
    for (let index = 0; index < 10; index += 1) await near.request(`${bench.prefix}.a`, bytes(), { timeoutMs: longMs });
    assert.equal(handled, 10);
  },

  'a request nobody listens to fails at once with no-responders (B5)': async (bench) => {
    const bus = await bench.connect();
    await rejects(bus.request(`${bench.prefix}.nobody`, bytes(1), { timeoutMs: longMs }), isFailure('no-responders'));
  },

  'a request whose only subscriber left fails with no-responders (B5)': async (bench) => {
    const { near, far } = await pair(bench);
    const { subscription } = collect(far, `${bench.prefix}.a`);
    await far.flush();
    subscription.unsubscribe();
    await far.flush();
    await rejects(near.request(`${bench.prefix}.a`, bytes(1), { timeoutMs: longMs }), isFailure('no-responders'));
  },

  'a request that is not answered fails with timeout, and a late answer harms nothing (B5)': async (bench) => {
    const { near, far } = await pair(bench);
    const held: BusMessage[] = [];
    far.subscribe(`${bench.prefix}.a`, (message) => void held.push(message));
    await far.flush();
    await rejects(near.request(`${bench.prefix}.a`, bytes(1), { timeoutMs: 30 }), isFailure('timeout'));
    assert.equal(held.length, 1);
    held[0]?.respond?.(bytes(1));
    await passThrough(far, near, bench.prefix);
    assert.equal(near.status(), 'connected');
  },

  'a payload of the full size passes, one byte more is refused to whoever sends it': async (bench) => {
    const { near, far } = await pair(bench);
    const full = new Uint8Array(near.payloadBytesMax).fill(0xa5);
    full[full.length - 1] = 1;
    const larger = new Uint8Array(near.payloadBytesMax + 1);
    const lengths: number[] = [];
    let refusal: unknown;
    far.subscribe(`${bench.prefix}.a`, (message) => {
      lengths.push(message.payload.length, message.payload.at(-1) as number);
      try {
        message.respond?.(larger);
      } catch (error) {
        refusal = error;
      }
      message.respond?.(full);
    });
    await far.flush();
    const answer = await near.request(`${bench.prefix}.a`, full, { timeoutMs: longMs });
    assert.deepEqual(lengths, [full.length, 1]);
    assert.equal(answer.length, full.length);
    assert.ok(isFailure('too-large')(refusal));
    assert.throws(() => near.publish(`${bench.prefix}.a`, larger), isFailure('too-large'));
    await rejects(near.request(`${bench.prefix}.a`, larger, { timeoutMs: longMs }), isFailure('too-large'));
  },

  'after unsubscribe nothing arrives, also when it was called inside the handler': async (bench) => {
    const { near, far } = await pair(bench);
    let inside = 0;
    const once = far.subscribe(`${bench.prefix}.a`, () => {
      inside += 1;
      once.unsubscribe();
      once.unsubscribe();
    });
    const outside = collect(far, `${bench.prefix}.a`);
    await far.flush();
    for (let index = 0; index < 5; index += 1) near.publish(`${bench.prefix}.a`, bytes(index));
    await outside.reach(5);
    outside.subscription.unsubscribe();
    near.publish(`${bench.prefix}.a`, bytes(5));
    await passThrough(near, far, bench.prefix);
    assert.equal(inside, 1);
    assert.equal(outside.payloads.length, 5);
  },

  'a handler may subscribe, publish and ask': async (bench) => {
    const bus = await bench.connect();
    const { prefix } = bench;
    const done = collect(bus, `${prefix}.done`);
    bus.subscribe(`${prefix}.start`, () => {
      bus.subscribe(`${prefix}.service`, (message) => message.respond?.(bytes(5)));
      void bus.request(`${prefix}.service`, bytes(), { timeoutMs: longMs }).then((answer) => bus.publish(`${prefix}.done`, answer));
    });
    await bus.flush();
    bus.publish(`${prefix}.start`, bytes());
    await done.reach(1);
    assert.deepEqual(done.payloads, [[5]]);
  },

  'a handler that throws harms neither other subscribers nor later messages': async (bench) => {
    const { near, far } = await pair(bench);
    let thrown = 0;
    far.subscribe(`${bench.prefix}.a`, () => {
      thrown += 1;
      throw new Error('thrown on purpose');
    });
    const other = collect(far, `${bench.prefix}.a`);
    await far.flush();
    for (let index = 0; index < 3; index += 1) near.publish(`${bench.prefix}.a`, bytes(index));
    await other.reach(3);
    await passThrough(near, far, bench.prefix);
    assert.equal(thrown, 3);
    assert.equal(far.status(), 'connected');
  },

  'closing ends requests under way, is told once, and leaves a bus that refuses': async (bench) => {
    const { near, far } = await pair(bench);
    const { prefix } = bench;
    const silent = collect(far, `${prefix}.a`);
    await far.flush();
    const told: BusStatus[] = [];
    const untold: BusStatus[] = [];
    near.onStatus((status) => void told.push(status));
    near.onStatus((status) => void untold.push(status))();
    const refused = rejects(near.request(`${prefix}.a`, bytes(), { timeoutMs: longMs }), isFailure('closed'));
    await silent.reach(1);
    await Promise.all([near.close(), near.close()]);
    await refused;
    assert.equal(near.status(), 'closed');
    assert.deepEqual(told, ['closed']);
    assert.deepEqual(untold, []);
    assert.throws(() => near.publish(`${prefix}.a`, bytes()), isFailure('closed'));
    assert.throws(() => near.subscribe(`${prefix}.a`, () => undefined), isFailure('closed'));
    await rejects(near.request(`${prefix}.a`, bytes(), { timeoutMs: longMs }), isFailure('closed'));
    await rejects(near.flush(), isFailure('closed'));
  },

  'what was published before close arrives': async (bench) => {
    const { near, far } = await pair(bench);
    const seen = collect(far, `${bench.prefix}.a`);
    await far.flush();
    for (let index = 0; index < 100; index += 1) near.publish(`${bench.prefix}.a`, bytes(index));
    await near.close();
    await seen.reach(100);
    assert.equal(seen.payloads.length, 100);
  },

  'subscriptions end with their connection': async (bench) => {
    const { near, far } = await pair(bench);
    const seen = collect(far, `${bench.prefix}.a`);
    await far.flush();
    await far.close();
    await rejects(near.request(`${bench.prefix}.a`, bytes(), { timeoutMs: longMs }), isFailure('no-responders'));
    assert.equal(seen.payloads.length, 0);
  },
};

/** What every transport of the bus promises. */
export const busContract: Contract<BusFixture> = Object.entries(cases).map(([name, body]) => ({
  name,
  run: (fixture) => closingAfterwards(fixture, body),
}));
