namespace Bulkhead.Cli.Output;

/// <summary>How the program says on standard error what is wrong, or what it does: whose words these are stands before each line.</summary>
internal static class Complaint
{
    /// <summary>Says it.</summary>
    internal static void Write(TextWriter errors, string text)
    {
        foreach (string line in text.Split('\n'))
        {
            errors.WriteLine("bulkhead: " + line);
        }
    }
}
