import * as Plot from '@observablehq/plot';
import { symbolType } from '../../symbols.ts';
import { type Anchor, placeLabels } from '../labels.ts';
import type { Mark } from '../points.ts';

/** Scales that give each series its colour and mark. */
export function seriesScales(series: readonly Mark[]): Pick<Plot.PlotOptions, 'color' | 'symbol'> {
  const domain = series.map((one) => one.name);
  return {
    color: { type: 'ordinal', domain, range: series.map((one) => one.color) },
    symbol: { domain, range: series.map((one) => symbolType(one.symbol)) as never },
  };
}

export const GRID = { stroke: 'var(--line)', strokeOpacity: 1 } as const;
export const TIP = {
  fill: 'var(--surface)',
  stroke: 'var(--line-strong)',
  fontSize: 12,
  lineHeight: 1.4,
  pathFilter: 'none',
} as const;

/** Text next to points, each where it covers nothing; what finds no place is left to the tooltip. */
export function sideLabels<D>(
  data: readonly D[],
  options: { x: (d: D) => number; y: (d: D) => number; text: (d: D) => string; obstacles: readonly D[] },
): Plot.Markish {
  const render: Plot.RenderFunction = (index, scales, _values, dimensions, context) => {
    const { x: scaleX, y: scaleY } = scales as unknown as Record<'x' | 'y', (value: number) => number>;
    const at = (d: D) => ({ x: scaleX(options.x(d)), y: scaleY(options.y(d)) });
    const anchors: Anchor[] = [...index].flatMap((i) => {
      const d = data[i];
      return d === undefined ? [] : [{ ...at(d), text: options.text(d) }];
    });
    const group = context.document.createElementNS('http://www.w3.org/2000/svg', 'g');
    group.setAttribute('fill', 'var(--ink)');
    group.setAttribute('stroke', 'var(--surface)');
    group.setAttribute('stroke-width', '3');
    group.setAttribute('paint-order', 'stroke');
    group.setAttribute('text-anchor', 'middle');
    group.setAttribute('aria-hidden', 'true');
    const frame = {
      left: dimensions.marginLeft,
      right: dimensions.width - 2,
      top: 0,
      bottom: dimensions.height - dimensions.marginBottom,
    };
    for (const label of placeLabels(anchors, { frame, obstacles: options.obstacles.map(at) })) {
      const text = context.document.createElementNS('http://www.w3.org/2000/svg', 'text');
      text.setAttribute('x', label.x.toFixed(1));
      text.setAttribute('y', label.y.toFixed(1));
      text.setAttribute('dy', '0.32em');
      text.textContent = anchors[label.index]?.text ?? '';
      group.append(text);
    }
    return group as unknown as SVGElement;
  };
  return Plot.text(data as D[], { x: options.x, y: options.y, text: options.text, render });
}
