import { type ReactNode, useId } from 'react';
import styles from './section.module.css';

/** A titled part of a page, reachable by its heading. */
export function Section({
  title,
  text,
  tools,
  id,
  children,
}: {
  title: string;
  text?: ReactNode;
  tools?: ReactNode;
  id?: string;
  children: ReactNode;
}) {
  const headingId = useId();
  return (
    <section className={styles.section} aria-labelledby={headingId} id={id}>
      <div className={styles.head}>
        <div>
          <h2 id={headingId}>{title}</h2>
          {text ? <p className={styles.text}>{text}</p> : null}
        </div>
        {tools}
      </div>
      {children}
    </section>
  );
}

export function Card({ children }: { children: ReactNode }) {
  return <div className={styles.card}>{children}</div>;
}
