import type { ExperimentStore } from '../../application/ports/store.ts';
import { attempts } from './attempts.ts';
import { blocked } from './blocked.ts';
import { cluster } from './cluster.ts';
import { events } from './events.ts';
import { experiments } from './experiments.ts';
import { fit } from './fit.ts';
import { forecastInputs } from './forecast-inputs.ts';
import { forecasts } from './forecasts.ts';
import type { Database } from './open.ts';
import { outcomes } from './outcomes.ts';
import { preparations } from './preparations.ts';
import { searches } from './searches.ts';
import { trials } from './trials.ts';

/** How long changes of one experiment are gathered before listeners hear of them. */
const COALESCE_MS = 50;

/** The store over an open database; `close` closes the database. */
export function createExperimentStore(database: Database): ExperimentStore {
  const { db } = database;
  return {
    ...experiments(db),
    ...trials(db),
    ...outcomes(db),
    ...attempts(db),
    ...events(db),
    ...blocked(db),
    ...cluster(db),
    ...fit(db),
    ...forecastInputs(db),
    ...forecasts(db),
    ...preparations(db),
    ...searches(db),
    onExperimentEvents(listener) {
      const waiting = new Map<string | null, NodeJS.Timeout>();
      const stop = database.onChange((id) => {
        if (waiting.has(id)) return;
        const tell = () => {
          waiting.delete(id);
          listener(id);
        };
        waiting.set(id, setTimeout(tell, COALESCE_MS));
      });
      return () => {
        stop();
        for (const timer of waiting.values()) clearTimeout(timer);
      };
    },
    close: () => database.close(),
  };
}
