/** The lines that went (-) and came (+), each with up to two unchanged lines around; longest common subsequence. */
export function lineDiff(before, after, around = 2) {
  const a = before.split('\n');
  const b = after.split('\n');
  const length = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i][j] = a[i] === b[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const rows = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      rows.push(`  ${a[i]}`);
      i++;
      j++;
    } else if (j === b.length || (i < a.length && length[i + 1][j] >= length[i][j + 1])) {
      rows.push(`- ${a[i++]}`);
    } else {
      rows.push(`+ ${b[j++]}`);
    }
  }
  const near = (index) =>
    rows.slice(Math.max(0, index - around), index + around + 1).some((row) => !row.startsWith(' '));
  return rows.filter((_, index) => near(index)).join('\n');
}
