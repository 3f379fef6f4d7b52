import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { Link, Outlet } from '@tanstack/react-router';
import styles from './layout.module.css';

export function Layout() {
  return (
    <>
      <a href="#main" className={styles.skip}>
        Skip to content
      </a>
      <header className={`${styles.top} screen-only`}>
        <div className={styles.bar}>
          <Link to="/" className={styles.brand}>
            <img src="/favicon.svg" alt="" width={24} height={24} />
            Lamina
          </Link>
          <nav className={styles.links} aria-label="Elsewhere">
            <Link to="/gpus">GPUs</Link>
            <a href="/docs">API</a>
          </nav>
          <SchemeButton />
        </div>
      </header>
      <main id="main" className={styles.main} tabIndex={-1}>
        <Outlet />
      </main>
    </>
  );
}

function SchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className={styles.scheme}
      aria-label={`Switch to ${other} colours`}
      title={`Switch to ${other} colours`}
      onClick={() => setColorScheme(other)}
    >
      <svg
        width="18"
        height="18"
        viewBox="0 0 18 18"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        aria-hidden="true"
      >
        {scheme === 'dark' ? (
          <path
            strokeLinecap="round"
            d="M9 1.5v1.6m0 11.8v1.6M1.5 9h1.6m11.8 0h1.6M3.7 3.7l1.1 1.1m8.4 8.4 1.1 1.1m0-10.6-1.1 1.1m-8.4 8.4-1.1 1.1M12.3 9a3.3 3.3 0 1 1-6.6 0 3.3 3.3 0 0 1 6.6 0Z"
          />
        ) : (
          <path strokeLinejoin="round" d="M15.5 10.8A6.8 6.8 0 0 1 7.2 2.5a6.8 6.8 0 1 0 8.3 8.3Z" />
        )}
      </svg>
    </button>
  );
}
