import { SharedReads } from '../../src/kafka/handover/shared-reads.js';

/** A read that the test answers. */
interface Read {
  readonly key: string;
  readonly send: () => void;
  readonly answer: () => void;
  readonly fail: (error: Error) => void;
}

describe('reads that several ask for', () => {
  let reads: Read[];
  let done: number;
  let shared: SharedReads<string>;
  beforeEach(() => {
    reads = [];
    done = 0;
    shared = new SharedReads(() => done++);
  });
  const ask = (key: string): Promise<void> =>
    shared.ask(
      key,
      (sending) =>
        new Promise((resolve, reject) => {
          reads.push({ key, send: sending, answer: () => resolve(undefined), fail: reject });
        }),
    );
  const at = (index: number): Read => {
    const read = reads[index];
    if (read === undefined) throw new Error(`no read ${index}`);
    return read;
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  test('twelve that ask before it is sent share it', async () => {
    const all = Promise.all(Array.from({ length: 12 }, () => ask('red')));
    at(0).send();
    at(0).answer();
    await all;
    expect(reads).toHaveLength(1);
    expect(shared.isUnderWay('red')).toBe(false);
    expect(done).toBe(1);
  });

  test('who asks after it was sent has the answer of one that is sent later, and all of those share that', async () => {
    const first = ask('red');
    at(0).send();
    let answered = 0;
    const late = Array.from({ length: 12 }, () => ask('red').then(() => answered++));
    at(0).answer();
    await first;
    await settle();
    expect({ reads: reads.length, answered }).toEqual({ reads: 2, answered: 0 });
    at(1).send();
    at(1).answer();
    await Promise.all(late);
    expect(reads).toHaveLength(2);
  });

  test('each color has its own', async () => {
    const both = Promise.all([ask('red'), ask('blue')]);
    expect(reads.map(({ key }) => key)).toEqual(['red', 'blue']);
    for (const read of reads) read.answer();
    await both;
  });

  test('a failure is told to those who asked for that read, and not to those who asked later', async () => {
    const first = ask('red').catch((error: Error) => error.message);
    at(0).send();
    const late = ask('red');
    at(0).fail(new Error('not now'));
    expect(await first).toBe('not now');
    await settle();
    expect(done).toBe(0);
    at(1).answer();
    await late;
    expect(done).toBe(1);
  });
});
