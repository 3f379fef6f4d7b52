/**
 * Tables of the comparison that are shown past their registry. Every format iterates over it; a title, or a whole table,
 * that is written down elsewhere would be in one format alone and go its own way.
 */

const REGISTRY = 'domain/results/tables/';
const SHOWN = /^(?:domain|services|workflows|k8s)\/.*\.tsx?$/;
const TEST = /\.test\.tsx?$|\/testing\//;
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/\bdefineTable\b/, 'defines a table'],
  [/<DataTable[^>]*\scaption=["']/, 'gives a table a title of its own'],
];

/** Sentences about all of them. `files`: text by path from the root; `titles`: those of the registry. */
export function tableTitles(files: ReadonlyMap<string, string>, titles: readonly string[]): readonly string[] {
  const written = new RegExp(`(['"\`>])\\s*(${titles.map(RegExp.escape).join('|')})\\s*(?:\\1|</)`);
  return [...files].flatMap(([path, text]) => {
    if (!SHOWN.test(path) || TEST.test(path) || path.startsWith(REGISTRY)) return [];
    const title = written.exec(text)?.[2];
    const found = [
      ...(title === undefined ? [] : [`writes the title of the table "${title}"`]),
      ...ELSEWHERE.flatMap(([pattern, what]) => (pattern.test(text) ? [what] : [])),
    ];
    return found.map((what) => `${path} ${what}: tables and their titles belong in ${REGISTRY}`);
  });
}
