import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function executable(): string | null {
  const chosen = process.env['LAMINA_CHROMIUM'];
  return [...(chosen ? [chosen] : []), ...CANDIDATES].find((path) => existsSync(path)) ?? null;
}

/** Why there is no browser here, with the remedy; null where there is one. For `{ skip }` of a test. */
export function chromiumMissing(): string | null {
  return executable() === null
    ? 'no Chromium is installed; enable with: apt-get install chromium (Debian), or name one in LAMINA_CHROMIUM'
    : null;
}

export async function launchChromium(): Promise<Browser> {
  const executablePath = executable();
  if (executablePath === null) throw new Error(chromiumMissing() ?? '');
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

export interface Watched {
  readonly page: Page;
  /** Console errors and uncaught exceptions. */
  readonly errors: readonly string[];
  /** Requests to anything but `home`. */
  readonly foreign: readonly string[];
}

/** A page that remembers what went wrong in it and whom it called. */
export async function watchedPage(
  browser: Browser,
  home: string,
  options: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<Watched> {
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.colorScheme ?? 'light',
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  const foreign: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(home) && !url.startsWith('data:') && !url.startsWith('blob:')) foreign.push(url);
  });
  return { page, errors, foreign };
}
