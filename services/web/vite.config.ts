import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The dashboard. `LAMINA_API` names a running API for the development server. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    reportCompressedSize: true,
    modulePreload: { polyfill: false },
  },
  server: { host: '127.0.0.1', proxy: { '/v1': process.env['LAMINA_API'] ?? 'http://127.0.0.1:7070' } },
});
