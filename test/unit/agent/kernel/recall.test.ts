/** What looks remember: everything is read again, and only what differs is worked out anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { derived, measured, recalled } from '../../../../agent/kernel/derived.js';
import { Recall } from '../../../../agent/kernel/recall.js';
import type { KernelRoot } from '../../../../agent/kernel/root.js';
import { readingOnce } from '../../../../agent/tuners/common/read-once.js';
import { makeTree } from './tree.js';

t.test('a look after another', async (t) => {
  const files = { '/a': '1', '/b': 'x 5 y', '/d/e': '', '/d/f': '' };
  const root = makeTree(t, files);
  const recall = new Recall(root.path);
  let made = 0;
  const shared = (kernel: KernelRoot) => derived(kernel, 'shared', () => ({ a: kernel.read('/a') }));
  const counter = (kernel: KernelRoot) => measured(kernel, 'five', (each) => each.read('/b')?.split(' ')[1]);
  const work = (kernel: KernelRoot) => {
    made++;
    return { a: shared(kernel).a, five: counter(kernel), names: kernel.list('/d'), is: kernel.exists('/g') };
  };
  const look = (...inputs: unknown[]) => recalled(readingOnce(root, recall), 'key', inputs, work);
  const put = (file: string, text: string): void => writeFileSync(join(root.path, file), text);
  const first = look(1);
  t.strictSame(first, { a: '1', five: '5', names: ['e', 'f'], is: false });
  t.equal(look(1), first, 'the same object');
  t.equal(made, 1);
  put('/b', 'z 5 z');
  t.equal(look(1), first, 'only what is measured of a file counts');
  put('/a', '2');
  const second = look(1);
  t.match(second, { a: '2' });
  t.equal(made, 2);
  for (const [file, text, want] of [
    ['/b', 'x 6 y', { five: '6' }],
    ['/d/g', '', { names: ['e', 'f', 'g'] }],
    ['/g', '', { is: true }],
  ] as const) {
    put(file, text);
    t.match(look(1), want, file);
  }
  const before = made;
  look(2);
  t.equal(made, before + 1, 'another input');
  t.equal(recalled(root, 'key', [], work).a, '2', 'a root that does not remember works all the same');
});

t.test('what ended is forgotten, and there is a limit', async (t) => {
  const root = makeTree(t, { '/a': '1' });
  const recall = new Recall(root.path, 3);
  const read = (kernel: KernelRoot): string | undefined => kernel.read('/a');
  for (let n = 0; n < 5; n++) recalled(readingOnce(root, recall), `key ${n}`, [], read);
  t.equal(recall.size, 3);
  const look = readingOnce(root, recall);
  recalled(look, 'key 4', [], read);
  look.forgetOthers?.();
  t.equal(recall.size, 1);
  const fail = (): never => recalled(look, 'bad', [], (kernel) => void kernel.write('/a', '2')) as never;
  t.throws(fail, /nothing is written/);
});
