import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

/** The comparison as one self-contained file, into which the API puts its JSON. */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  plugins: [react(), viteSingleFile()],
  build: {
    outDir: 'dist-report',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rolldownOptions: { input: 'report.html' },
  },
});
