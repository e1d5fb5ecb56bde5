using Bulkhead.Cli.Commands;
using Bulkhead.Cli.Machines;

// The one place where the command line meets the machine.
return new CommandLine(new MachineHost(), Console.Out, Console.Error).Invoke(args);
