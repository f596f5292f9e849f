import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react(), tailwind()],
  build: {
    outDir: 'dist',
    target: 'es2022',
    // The server's content security policy forbids data: fonts and inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // One chunk in the order of import: what quietens zod must run before any schema is made.
            { name: 'protocol', test: /quiet-zod|node_modules[\\/]zod|packages[\\/](protocol|client|kernel)[\\/]/ },
            { name: 'react', test: /node_modules[\\/](react|react-dom|scheduler|@tanstack)[\\/]/ },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: process.env.HOLDFAST_URL ?? 'https://localhost:8443', secure: false } } },
})
