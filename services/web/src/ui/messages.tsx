import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { ActionButton } from './button.tsx';
import styles from './messages.module.css';

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className={styles.message}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What went wrong, in the API's words, with every mistake it named. */
export function ErrorMessage({ title, error, onRetry }: { title: string; error: unknown; onRetry?: () => void }) {
  const problem = error instanceof ApiError ? error.problem : null;
  const text = error instanceof TypeError ? 'The API cannot be reached.' : error instanceof Error ? error.message : '';
  return (
    <div className={styles.error} role="alert">
      <div>
        <strong>{title}</strong>
        {text}
        {problem?.errors ? (
          <ul>
            {problem.errors.map((one) => (
              <li key={`${one.path} ${one.message}`}>
                {one.path}: {one.message}
              </li>
            ))}
          </ul>
        ) : null}
      </div>
      {onRetry ? <ActionButton onClick={onRetry}>Try again</ActionButton> : null}
    </div>
  );
}

/** What keeps something from going on, without anything to press. */
export function Notice({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className={styles.error} role="alert">
      <div>
        <strong>{title}</strong>
        {children}
      </div>
    </div>
  );
}

export function Skeleton({ height, width = '100%' }: { height: number; width?: number | string }) {
  return <div className={styles.skeleton} style={{ height, width }} aria-hidden="true" />;
}

/** Says to a screen reader that something is loading, while placeholders say it to the eye. */
export function Loading({ what, children }: { what: string; children: ReactNode }) {
  return (
    <div aria-busy="true">
      <span role="status" className="visually-hidden">
        Loading {what}
      </span>
      {children}
    </div>
  );
}
