using Bulkhead.Cli.Output;
using Bulkhead.Cli;
using Bulkhead.Cli.Commands;
using Bulkhead.Host.Processor;
using Bulkhead.Host.Terminal;

ProcessStart.Settle();
var standardOutput = new DescriptorStream(1);
using var output = new StreamWriter(standardOutput) { AutoFlush = true };
using var errors = new StreamWriter(new DescriptorStream(2)) { AutoFlush = true };

// The one place where the command line meets the machine.
int exitCode = new CommandLine(new MachineHost(output), output, errors).Invoke(args);
if (standardOutput.Failure is not { } failure)
{
    return exitCode;
}

// What was printed is not there, whichever command printed it; a reader that went away knows why.
Complaint.Write(errors, $"standard output: {failure}; give it a place that takes what is written.");
return exitCode == ExitCode.Ok ? ExitCode.Error : exitCode;
