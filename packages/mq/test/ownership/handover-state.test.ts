import fc from 'fast-check';
import {
  encodeFence,
  encodeHandover,
  parseFence,
  parseHandover,
} from '../../src/ownership/handover-codec.js';
import { fenceKey, handoverPrefix, parseHandoverKey, stateKey } from '../../src/ownership/handover-keys.js';
import {
  activate,
  claimClosing,
  close,
  compareHandovers,
  type Handover,
  join,
  leave,
  startDraining,
  type Transition,
} from '../../src/ownership/handover-state.js';
import { parseOffset } from '../../src/ownership/offset.js';

const absent: Handover = { kind: 'absent', epoch: 2 };
const joining: Handover = { kind: 'joining', epoch: 2 };
const active: Handover = { kind: 'active', epoch: 2 };
const leaving: Handover = { kind: 'leaving', epoch: 2, onLeave: 'drain' };
const draining: Handover = { kind: 'draining', epoch: 2, onLeave: 'drain' };
const closing: Handover = { ...draining, closer: 'a' };
const told = (transition: Transition): unknown =>
  transition.kind === 'next' ? transition.state : transition.reason;

describe('the states of a hand-over', () => {
  it('a discard never becomes a drain again', () => {
    expect(told(leave({ ...draining, onLeave: 'discard' }, 2, 'drain'))).toBe('wrong-state');
    expect(told(leave({ ...leaving, onLeave: 'discard' }, 2, 'drain'))).toBe('wrong-state');
  });

  const nextEpoch: Handover = { kind: 'joining', epoch: 3 };
  it.each<[string, (state: Handover) => Transition, unknown[]]>([
    [
      'join',
      join,
      [nextEpoch, 'joined-already', 'joined-already', 'still-leaving', 'still-leaving', 'still-leaving'],
    ],
    [
      'activate',
      (state) => activate(state, 2),
      ['wrong-state', active, 'wrong-state', 'wrong-state', 'wrong-state', 'wrong-state'],
    ],
    [
      'leave with discard, also where a drain has begun',
      (state) => leave(state, 2, 'discard'),
      [
        'not-joined',
        ...[joining, active, leaving].map(() => ({ kind: 'leaving', epoch: 2, onLeave: 'discard' })),
        { ...draining, onLeave: 'discard' },
        { ...closing, onLeave: 'discard' },
      ],
    ],
    [
      'leave',
      (state) => leave(state, 2, 'drain'),
      ['not-joined', leaving, leaving, 'wrong-state', 'wrong-state', 'wrong-state'],
    ],
    [
      'startDraining',
      (state) => startDraining(state, 2),
      ['wrong-state', 'wrong-state', 'wrong-state', draining, 'wrong-state', 'wrong-state'],
    ],
    [
      'claimClosing',
      (state) => claimClosing(state, 2, 'a'),
      ['wrong-state', 'wrong-state', 'wrong-state', 'wrong-state', closing, closing],
    ],
    [
      'claimClosing of another',
      (state) => claimClosing(state, 2, 'b'),
      [
        'wrong-state',
        'wrong-state',
        'wrong-state',
        'wrong-state',
        { ...closing, closer: 'b' },
        'other-closer',
      ],
    ],
    [
      'claimClosing in place of a dead one',
      (state) => claimClosing(state, 2, 'b', 'a'),
      [
        'wrong-state',
        'wrong-state',
        'wrong-state',
        'wrong-state',
        { ...closing, closer: 'b' },
        { ...closing, closer: 'b' },
      ],
    ],
    [
      'close',
      (state) => close(state, 2, 'a'),
      ['wrong-state', 'wrong-state', 'wrong-state', 'wrong-state', 'other-closer', absent],
    ],
    [
      'close of another',
      (state) => close(state, 2, 'b'),
      ['wrong-state', 'wrong-state', 'wrong-state', 'wrong-state', 'other-closer', 'other-closer'],
    ],
  ])('%s', (_name, transition, expected) => {
    expect(
      [absent, joining, active, leaving, draining, closing].map((state) => told(transition(state))),
    ).toEqual(expected);
  });

  it('refuses what was meant for another epoch', () => {
    for (const transition of [
      activate(joining, 1),
      leave(active, 3, 'drain'),
      startDraining(leaving, 1),
      claimClosing(draining, 1, 'a'),
      close(closing, 1, 'a'),
    ]) {
      expect(told(transition)).toBe('other-epoch');
    }
  });

  it('orders states as they follow each other', () => {
    const order = [joining, active, leaving, draining, absent, nextEpoch];
    for (const [index, state] of order.entries()) {
      expect(order.map((other) => Math.sign(compareHandovers(state, other)))).toEqual(
        order.map((_, other) => Math.sign(index - other)),
      );
    }
  });
});

describe('values in the directory', () => {
  it('reads back what it writes', () => {
    for (const state of [absent, joining, active, leaving, draining, closing]) {
      expect(parseHandover(encodeHandover(state, { group: 'g', topic: 't' }))).toEqual(state);
    }
    expect(parseFence(encodeFence(2n ** 62n, 'host'))).toBe(2n ** 62n);
  });

  it.each([
    '',
    'null',
    '[]',
    '7',
    '{',
    '{"state":"active"}',
    '{"state":"active","epoch":0}',
    '{"state":"active","epoch":-1}',
    '{"state":"active","epoch":1.5}',
    '{"state":"leaving","epoch":1}',
    '{"state":"leaving","epoch":1,"onLeave":"burn"}',
    '{"state":"draining","epoch":1}',
    '{"state":"__proto__","epoch":1}',
  ])('does not take %j for a state', (value) => {
    expect(parseHandover(value)).toMatchObject({ kind: 'unreadable' });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (value) => {
        parseHandover(value);
        parseFence(value);
      }),
    );
  });

  it.each(['', '-1', '1e3', '0x10', ' 1', '01', '1.0', '99999999999999999999', 7, null])(
    'does not take %j for an offset',
    (text) => {
      expect(parseOffset(text)).toBeUndefined();
    },
  );
});

describe('keys in the directory', () => {
  const hostile = [
    'GID_order',
    'a/b',
    '..',
    '.',
    'ü',
    '日本',
    'a b',
    '%41',
    'A',
    'a~b',
    "!~*'()",
    '\n\u0000',
    '😀',
    'x'.repeat(249),
    'ü'.repeat(127),
  ];

  it('are printable, short, and different for different names', () => {
    const prefixes = hostile.flatMap((group) => hostile.map((topic) => handoverPrefix(group, topic)));
    expect(new Set(prefixes).size).toBe(prefixes.length);
    for (const prefix of prefixes) {
      const key = fenceKey(prefix, 'c'.repeat(63), 2 ** 31, 'leave', 2 ** 31);
      expect(key).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(key.split('/')).toHaveLength(7);
      expect(key.split('/')).not.toContain('..');
    }
  });

  it('tell two long names apart that differ at the end', () => {
    const long = 'ü'.repeat(120);
    expect(handoverPrefix(`${long}a`, 't')).not.toBe(handoverPrefix(`${long}b`, 't'));
  });

  it('are different for any two names', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(name, name, name, name, (a, b, c, d) => {
        expect(handoverPrefix(a, b) === handoverPrefix(c, d)).toBe(a === c && b === d);
      }),
    );
  });

  it('read back, and nothing else does', () => {
    const prefix = handoverPrefix('g', 't');
    expect(parseHandoverKey(prefix, stateKey(prefix, 'feat'))).toEqual({ kind: 'state', color: 'feat' });
    expect(parseHandoverKey(prefix, fenceKey(prefix, 'feat', 3, 'stop', 7))).toEqual({
      kind: 'fence',
      color: 'feat',
      epoch: 3,
      fence: 'stop',
      partition: 7,
    });
    for (const rest of [
      '',
      'fe_at',
      'feat/',
      'feat/0/join/1',
      'feat/1/hop/1',
      'feat/1/join/-1',
      'feat/1/join/1/x',
      'feat/1/join',
      '__proto__',
    ]) {
      expect(parseHandoverKey(prefix, prefix + rest)).toBeUndefined();
    }
    expect(parseHandoverKey(prefix, 'mq/other/t/feat')).toBeUndefined();
  });

  it('refuses names that are none', () => {
    for (const name of ['', '\ud800']) {
      expect(() => handoverPrefix(name, 't')).toThrow(
        expect.objectContaining({ code: 'COLORWAY_GROUP_NAME' }),
      );
    }
  });
});
