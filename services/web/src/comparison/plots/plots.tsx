/** All plots in one module, so that the plotting library is loaded only with them. */
export { IntervalPlot } from './interval-plot.tsx';
export { ParetoPlot } from './pareto-plot.tsx';
export { SearchPlot } from './search-plot.tsx';
export { TotalBitsPlot } from './total-bits-plot.tsx';
