import { execFileSync } from 'node:child_process';

const CANDIDATES = ['python3.12', 'python3.13', 'python3.11', 'python3', 'python'];
const OLDEST = [3, 11];
const NEWEST = [3, 13];

/**
 * The first Python that fits: new enough for the trainer, old enough for its wheels, with pip.
 * @param {Record<string, string | undefined>} [env]
 * @returns {{ path: string, version: string, pip: boolean }}
 */
export function findPython(env = process.env) {
  const seen = [];
  for (const candidate of env.LAMINA_PYTHON ? [env.LAMINA_PYTHON] : CANDIDATES) {
    const found = ask(candidate);
    if (found === null) continue;
    const [major, minor] = found.version.split('.').map(Number);
    const fits = major === OLDEST[0] && minor >= OLDEST[1] && minor <= NEWEST[1];
    if (fits && found.pip) return found;
    seen.push(`${candidate} is ${found.version}${found.pip ? '' : ' without pip'}`);
  }
  throw new Error(
    [
      `Python ${OLDEST.join('.')} to ${NEWEST.join('.')} with pip is needed to run the trainer; ${seen.length === 0 ? 'none was found' : `found only: ${seen.join(', ')}`}.`,
      'Debian or Ubuntu: apt-get install python3 python3-pip   Fedora: dnf install python3 python3-pip   macOS: brew install python@3.12',
      'Or name one: LAMINA_PYTHON=/path/to/python3 npm start',
    ].join('\n'),
  );
}

function ask(command) {
  const script =
    'import sys, importlib.util as u; print(sys.executable, ".".join(map(str, sys.version_info[:3])), u.find_spec("pip") is not None)';
  try {
    const answer = execFileSync(command, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [path, version, pip] = answer.trim().split(' ');
    return { path, version, pip: pip === 'True' };
  } catch {
    return null;
  }
}
