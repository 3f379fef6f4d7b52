/** Python source as `ruff format` leaves it: a module that collects its imports and definitions. */
const WIDTH = 120;

/** What a definition may need from elsewhere. Each method notes the import. */
export interface Names {
  use(module: string, name: string): void;
  /** A type of the package by its name; it is imported where it is defined in another module. */
  local(name: string): string;
  /** A call of something imported. */
  call(module: string, name: string, args: string): string;
  /** Adds a definition in front of the present one. */
  before(definition: string): void;
}

export class Module {
  readonly #package: string;
  readonly #header: string;
  readonly #imports = new Map<string, Set<string>>();
  readonly #definitions: string[] = [];

  constructor(name: string, header: string) {
    this.#package = name;
    this.#header = header;
  }

  add(definition: string): void {
    this.#definitions.push(definition);
  }

  /** `moduleOf` says in which other module of the package a type is; null: in this one. */
  names(moduleOf: (name: string) => string | null): Names {
    const use = (module: string, name: string) => {
      this.#imports.set(module, (this.#imports.get(module) ?? new Set()).add(name));
    };
    return {
      use,
      local: (name) => {
        const module = moduleOf(name);
        if (module !== null) use(`${this.#package}.${module}`, name);
        return name;
      },
      call: (module, name, args) => {
        use(module, name);
        return `${name}(${args})`;
      },
      before: (definition) => this.add(definition),
    };
  }

  text(): string {
    const groups = ['collections.abc typing', 'pydantic', this.#package].map((group) =>
      [...this.#imports]
        .filter(([module]) => group.split(' ').includes(module) || module.startsWith(`${group}.`))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([module, names]) => importOf(module, [...names].sort(asImported)))
        .join('\n'),
    );
    const imports = groups.filter(Boolean).join('\n\n');
    return `${this.#header}\n${imports}\n\n${spaced(this.#definitions)}\n`;
  }
}

/** Constants, then classes, then functions, as isort does. */
function asImported(a: string, b: string): number {
  const rank = (name: string) => (/^[A-Z_]+$/.test(name) ? 0 : /^[A-Z]/.test(name) ? 1 : 2);
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

function importOf(module: string, names: readonly string[]): string {
  const line = `from ${module} import ${names.join(', ')}`;
  return line.length <= WIDTH ? line : `from ${module} import (\n${names.map((name) => `    ${name},\n`).join('')})`;
}

/** Two blank lines around classes; assignments stand together. */
function spaced(definitions: readonly string[]): string {
  return definitions
    .map((definition, index) => {
      const isNextToClass = [definition, definitions[index - 1]].some((one) => one?.startsWith('class '));
      return index === 0
        ? isNextToClass
          ? `\n${definition}`
          : definition
        : `${isNextToClass ? '\n\n' : ''}${definition}`;
    })
    .join('\n');
}

/** A docstring in a class, over several lines where it is too long for one. */
export function docstring(text: string): string {
  const line = `    """${text}"""`;
  if (line.length <= WIDTH) return line;
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    const room = WIDTH - 4 - (lines.length === 1 ? 3 : 0);
    if (last.length + word.length + 1 > room) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return `    """${lines.join('\n    ')}\n    """`;
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A JSON value that is no object. */
export function literal(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? stringOf(value) : String(value);
}

/** A string; raw where it has backslashes, as patterns have. */
export function stringOf(text: string): string {
  const plain = text.replaceAll('\\/', '/');
  if (plain.includes('"')) throw new Error(`has a quote: ${text}`);
  return `${plain.includes('\\') ? 'r' : ''}"${plain}"`;
}
