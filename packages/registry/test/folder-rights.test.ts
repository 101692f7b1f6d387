import { rightsProblem } from '../src/file/folder-rights.js';

const ME = 1_000;
const folder = (uid: number, mode: number, isFolder = true) => ({
  uid,
  mode: 0o040_000 | mode,
  isDirectory: () => isFolder,
});

describe('the folder of a directory', () => {
  it.each([
    ['its own', folder(ME, 0o700), true, undefined],
    ['read by others', folder(ME, 0o755), true, undefined],
    ["another user's", folder(2, 0o700), true, 'another user'],
    ["root's, where it has the default name", folder(0, 0o700), true, 'another user'],
    ['a link', folder(ME, 0o777, false), true, 'no folder'],
    ['open to a group, where nobody named it', folder(ME, 0o770), true, 'written by others'],
    ['open to everybody', folder(ME, 0o777), true, 'written by others'],
    ['open to everybody with the sticky bit', folder(ME, 0o1777), true, 'written by others'],
    ['named, and open to a group', folder(ME, 0o770), false, undefined],
    ["named, and root's", folder(0, 0o770), false, undefined],
    ['named, and open to everybody', folder(0, 0o777), false, 'written by others'],
    ["named, and another user's", folder(2, 0o700), false, 'another user'],
  ])('%s', (_, found, isDefault, what) => {
    const problem = rightsProblem(found, ME, isDefault);
    if (what === undefined) expect(problem).toBeUndefined();
    else expect(problem?.what).toContain(what);
  });

  it('is not judged where a system has no user ids', () => {
    expect(rightsProblem(folder(0, 0o777), undefined, true)).toBeUndefined();
  });
});
