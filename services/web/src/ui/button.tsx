import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

export function ActionButton({
  children,
  onClick,
  tone = 'quiet',
  loading = false,
}: {
  children: ReactNode;
  onClick: () => void;
  tone?: 'quiet' | 'main' | 'danger';
  loading?: boolean;
}) {
  const look = { quiet: 'default', main: 'filled', danger: 'outline' }[tone];
  return (
    <Button size="xs" variant={look} color={tone === 'danger' ? 'red' : 'blue'} loading={loading} onClick={onClick}>
      {children}
    </Button>
  );
}
