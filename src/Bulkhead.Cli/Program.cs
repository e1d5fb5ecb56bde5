using Bulkhead.Cli;
using Bulkhead.Cli.Commands;
using Bulkhead.Host.Terminal;

using var output = new StreamWriter(new DescriptorStream(1)) { AutoFlush = true };
using var errors = new StreamWriter(new DescriptorStream(2)) { AutoFlush = true };

// The one place where the command line meets the machine.
return new CommandLine(new MachineHost(), output, errors).Invoke(args);
