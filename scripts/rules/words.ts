/** Words that documents, comments and messages do without, as a native speaker would write another one. */

/** Files that name the words in order to find them. */
const ABOUT_WORDS: readonly string[] = ['scripts/rules/words.ts', 'tests/rules/planted.test.ts'];

const AVOIDED: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bwhoever\b/i, 'name who does it: "the caller that", "the user who"'],
  [/\banew\b/i, 'write "again"'],
  [/\bfor want of\b/i, 'write "because … is missing"'],
  [/\bbelongs? into\b/i, 'write "belongs in"'],
  [/\bbeside\b/i, 'write "next to", "alongside", "besides", "compared with" or "while"'],
  [/^\s*(?:\/\/|#|\*|\/\*\*) *Of (?!course\b)[a-z]/, 'begin the comment with what is documented: "Number of …"'],
];

/** Sentences about all of them, with path and line. `files`: text by path from the root. */
export function avoidedWords(files: ReadonlyMap<string, string>): readonly string[] {
  return [...files].flatMap(([path, text]) => {
    if (ABOUT_WORDS.includes(path)) return [];
    return text.split('\n').flatMap((line, index) =>
      AVOIDED.flatMap(([pattern, instead]) => {
        const found = pattern.exec(line)?.[0].trim();
        return found === undefined ? [] : [`${path}:${index + 1} says "${found}": ${instead}`];
      }),
    );
  });
}
