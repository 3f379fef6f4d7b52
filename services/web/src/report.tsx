import type { Comparison } from '@lamina/domain/results/types.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './styles/tokens.css';
import './styles/base.css';
import { ReportPage } from './report-page.tsx';

const dark = matchMedia('(prefers-color-scheme: dark)');
const applyScheme = () =>
  document.documentElement.setAttribute('data-mantine-color-scheme', dark.matches ? 'dark' : 'light');
applyScheme();
dark.addEventListener('change', applyScheme);

const json = document.getElementById('lamina-comparison')?.textContent?.trim() ?? '';
const comparison = json === '' ? null : (JSON.parse(json) as Comparison);
if (comparison) document.title = `${comparison.name} · Lamina comparison`;

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ReportPage comparison={comparison} />
    </StrictMode>,
  );
}
