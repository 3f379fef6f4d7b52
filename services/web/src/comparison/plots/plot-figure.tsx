import * as Plot from '@observablehq/plot';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { symbolPath } from '../../symbols.ts';
import { Card } from '../../ui/section.tsx';
import type { Mark } from '../points.ts';
import styles from './plot-figure.module.css';

/** A titled plot that follows the width of its place. Its numbers are all in the tables, and `summary` says so to a screen reader. */
export function PlotFigure({
  title,
  caption,
  summary,
  series,
  options,
}: {
  title: string;
  caption?: string;
  summary: string;
  series: readonly Mark[];
  options: (width: number) => Plot.PlotOptions;
}) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  useEffect(() => {
    if (width === null) return;
    const plot = Plot.plot({
      width,
      style: { fontSize: '11.5px', background: 'none' },
      ariaLabel: summary,
      ...options(width),
    });
    plot.setAttribute('role', 'img');
    place.current?.replaceChildren(plot);
  }, [width, options, summary]);
  return (
    <Card>
      <figure className={styles.figure}>
        <figcaption>
          <h3 className={styles.title}>{title}</h3>
          {caption ? <p className={styles.caption}>{caption}</p> : null}
        </figcaption>
        <Legend series={series} />
        <div ref={place} className={styles.plot} />
      </figure>
    </Card>
  );
}

function useWidth(place: React.RefObject<HTMLDivElement | null>): number | null {
  const [width, setWidth] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const measure = () => setWidth(Math.max(280, Math.floor(element.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [place]);
  return width;
}

function Legend({ series }: { series: readonly Mark[] }) {
  if (series.length < 2) return null;
  return (
    <ul className={styles.legend} aria-label="Legend">
      {series.map((one) => (
        <li key={one.name}>
          <svg width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">
            <path d={symbolPath(one.symbol, 64)} fill={one.color} />
          </svg>
          {one.name}
        </li>
      ))}
    </ul>
  );
}
